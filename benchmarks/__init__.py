"""What is measured against peers, one command each."""
