"""The console's pages, one module each. Each shows what `services.web.site.Site` knows and asks it for the rest."""
