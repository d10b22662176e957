"""The mathematics: arrays in, arrays out; no files, no pages, no model loading."""
