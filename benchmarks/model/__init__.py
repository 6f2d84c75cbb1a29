"""From ImageNet weights to the figures of the default model's card."""
