"""What association is compared with. Each baseline is given its best threshold; none of them is used in production."""
