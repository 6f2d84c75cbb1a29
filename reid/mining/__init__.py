"""Mining: which triplets of a batch count. Each miner maps distances and labels to distances; none knows of networks.

A miner is one file and one line in `reid.objective.MINERS`.
"""
