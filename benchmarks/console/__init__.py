"""The web console: how fast its pages load over a large gallery, and what a wall of cameras costs."""
