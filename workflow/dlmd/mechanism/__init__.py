"""Why the ions move: sites, hops between them, rates, strings, density and free energy along paths.

In: a trajectory and the crystal's sites. Out: counts and rates with intervals, or a verdict where hops are too few.
"""
