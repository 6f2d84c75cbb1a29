"""Vector indexes behind one contract: ids and vectors in, nearest ids out. Nothing about vehicles."""
