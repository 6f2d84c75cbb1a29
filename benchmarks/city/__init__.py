"""What the synthetic city is worth, judged by networks that are not ours: detector, untrained features, speed."""
