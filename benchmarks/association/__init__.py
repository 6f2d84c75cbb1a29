"""What a decision costs when much is remembered: the live associator under an offered load, without pictures."""
