"""The feed: what one member was told, in pages and live."""
