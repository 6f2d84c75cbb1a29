"""Model files: what they are, where they come from, and their converted forms. A network runs only to judge a form."""
