/* Included by rosidl's generated code for arrays of numbers, of which these interfaces have none. */
