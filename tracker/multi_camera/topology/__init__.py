"""What is learned of a site, from links and clocks together, and what can be read off it. Never decides who is who."""
