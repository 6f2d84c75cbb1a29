"""Scores identities of the whole pipeline on cities that nothing was developed on."""
