"""Generated from proto/vreid.proto; never edited by hand."""
