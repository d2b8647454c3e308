"""Reports as text: cleaning, findings of statements, text policies, token tables."""
