"""What pages are made of: frame, dialogs, uploads, and what is drawn as text. No page of its own."""
