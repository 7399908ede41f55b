"""What one score hides: near-duplicates, short queries, swapped traits, traits that nobody can see."""
