"""Language models behind one interface; everything here speaks of requests and completions, never of a task.

protocol   Request, Completion, Backend: an error is a value, every request gets exactly one completion
scripted   a backend without a model, for tests and demonstrations, with faults planted at given rates
http       any endpoint that speaks the OpenAI protocol, at an address the user gives
wire       what such an endpoint is sent and what its replies mean
meter      calls, tokens and money, checked before each call
cache      completions kept in a file, by the whole request
ledger     which rows are done, in a file that survives being cut anywhere
"""
