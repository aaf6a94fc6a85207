"""Where finished editions are sent; each target reads back what it wrote before it switches.

Here belongs what carries an edition to another place: a finished folder in, facts out. Not here:
what an edition holds (forms), where a region's targets are declared (sources) and when they are
served (orchestration).
"""
