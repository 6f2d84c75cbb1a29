"""Recipes of training runs, one YAML file each; their keys are described in `reid.config`."""
