"""What we look into: CLIP, target networks, bundled models."""
