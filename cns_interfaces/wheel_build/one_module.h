/* Makes one module for every Python of what rosidl generates. Included before everything else. */
#include <Python.h>

/* What the generated code takes from CPython's own structs, by calls of the stable interface. */
#define PyBytes_AS_STRING PyBytes_AsString
#define PyFloat_AS_DOUBLE PyFloat_AsDouble
#define PyList_SET_ITEM PyList_SetItem
#define PyUnicode_1BYTE_DATA(name) PyUnicode_AsUTF8AndSize(name, NULL) /* names of classes */
#define PySequence_Fast_GET_SIZE PySequence_Size
#define PySequence_Fast_GET_ITEM(list, i) cns_borrowed(list, i)

/* PySequence_Fast makes lists and tuples only, which keep what they give. */
static inline PyObject * cns_borrowed(PyObject * list, Py_ssize_t i)
{
  PyObject * item = PySequence_GetItem(list, i);
  Py_XDECREF(item);
  return item;
}

/* The type supports are in this module, not in libraries of their own: see dispatch.c. */
#define rosidl_typesupport_c__get_message_typesupport_handle_function cns_message_handle
#define rosidl_typesupport_c__get_service_typesupport_handle_function cns_service_handle
