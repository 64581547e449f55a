"""What everything else stands on; knows nothing of data or models and imports nothing of the package.

errors    the exception tree, Problem          config    Config, `--set` parser
seeds     streams from one integer             context   Context, Note, Stop: handed to every fit, sample, metric
progress  Event and its sinks                  store     State <-> folder or `.synth`; atomic writing
registry  names of generators and metrics      extras    optional packages
log       loggers
pool      who does the work: processes or Ray  cluster    a local Ray cluster
"""
