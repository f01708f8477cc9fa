"""The methods that came before learning; one readable file each."""
