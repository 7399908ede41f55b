"""What search finds: precision by words, where nothing fits, and free-text queries."""
