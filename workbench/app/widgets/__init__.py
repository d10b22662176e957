"""Parts of pages: forms, notices, grids with their filters."""
