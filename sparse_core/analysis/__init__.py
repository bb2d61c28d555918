"""What a checkpoint is: kinds, patterns, classes and the verdict, streamed from its bytes."""
