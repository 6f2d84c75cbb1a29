"""Spaces for `vreid train --trials`, one YAML file each; their keys are described in `reid.trials`."""
