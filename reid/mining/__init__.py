"""Mining: which triplets of a batch count. Each maps distances and labels to distances; none knows of networks."""
