"""What the pipeline from camera to sighting costs and finds, beside peers: detector, throughput, faults, soak."""
