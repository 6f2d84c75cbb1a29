"""Live pictures: the newest frame of each camera with its boxes, on a socket that only this user can open."""
