"""Which detection continues which track. Nothing about pictures, revisions or zones."""
