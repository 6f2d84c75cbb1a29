"""Losses: what training pushes down. Each is a function over tensors; none knows of networks, data or mining."""
