"""Links between cameras: travel times, shares and zones, learned from lessons. Knows cameras by number; no clocks."""
