"""The browser app: pages, their parts, and the server that serves them."""
