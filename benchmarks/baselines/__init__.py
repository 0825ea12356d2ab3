"""What stde is compared with: published methods as published, and what one would write by hand."""
