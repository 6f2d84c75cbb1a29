"""What a vehicle looks like: body, paint, cues on every side, twins; drawn from seeds. Knows no OpenGL."""
