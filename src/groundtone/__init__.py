"""groundtone: answers from your documents, in your voice, with both halves measured."""
