/* References to Apple's protocols, which no code needs off macOS. */
