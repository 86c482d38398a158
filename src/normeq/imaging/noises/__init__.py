"""Types of noise, one module each: a module with a class of :class:`normeq.imaging.noise.Noise` is a type."""
