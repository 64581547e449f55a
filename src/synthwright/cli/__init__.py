"""The command line. `app` holds names, options and help and imports typer alone; a verb imports its body when it runs.

app      every verb's signature and help          console  output, progress, Ctrl-C, errors
data     inspect init convert                     model    fit sample evaluate generators metrics
run      run report card demo                     doctor   what is installed, one fix a finding
text     the verbs about text                     dyval    make, score and ladder of reasoning items
catalogue  tables of generators and metrics      options  those that several verbs share
forms      how text is written, and the size of images
"""
