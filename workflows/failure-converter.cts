import common = require("@temporalio/common");

/** With payloads encrypted, messages and stacks of failures are payloads too. Loaded by its path, as Temporal's SDK wants it. */
export = { failureConverter: new common.DefaultFailureConverter({ encodeCommonAttributes: true }) };
