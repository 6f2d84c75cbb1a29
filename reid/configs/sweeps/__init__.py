"""Sweeps: tables of training runs on equal terms, one YAML file each; their keys are described in `reid.sweep`."""
