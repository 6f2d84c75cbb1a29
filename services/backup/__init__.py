"""Backup and restore of a site: the store's append-only files, pictures, tokens and configuration in one file."""
