"""What a GPU is good for here: exact search beside the CPU's, and the embedding network in torch."""
