"""What we look at: images, labels, concept sets, rendered faces."""
