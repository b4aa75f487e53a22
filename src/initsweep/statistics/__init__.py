"""What the losses say and how surely: intervals, paired comparisons, sensitivity, the verdict."""
