"""What schemes share: draws, fans, gains and matrices."""
