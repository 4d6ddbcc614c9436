/* Finds the type support that a middleware asks for in this module itself.
 *
 * rosidl_typesupport_c loads it from a library lib<package>__<type support>.so instead.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>

#include "rosidl_runtime_c/message_type_support_struct.h"
#include "rosidl_runtime_c/service_type_support_struct.h"
#include "rosidl_typesupport_c/identifier.h"
#include "rosidl_typesupport_c/type_support_map.h"

const rosidl_message_type_support_t * cns_message_handle(
  const rosidl_message_type_support_t * handle, const char * identifier);
const rosidl_service_type_support_t * cns_service_handle(
  const rosidl_service_type_support_t * handle, const char * identifier);

/* The function of this module that gives a type support, NULL if there is none. */
static void * find(const type_support_map_t * map, const char * identifier)
{
  Dl_info here;
  if (!dladdr((void *)&cns_message_handle, &here)) {
    return NULL;
  }
  for (size_t i = 0; i < map->size; ++i) {
    if (strcmp(map->typesupport_identifier[i], identifier) == 0) {
      void * module = dlopen(here.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
      void * function = module ? dlsym(module, map->symbol_name[i]) : NULL;
      if (module) {
        dlclose(module); /* which only forgets that it was asked for */
      }
      return function;
    }
  }
  return NULL;
}

const rosidl_message_type_support_t * cns_message_handle(
  const rosidl_message_type_support_t * handle, const char * identifier)
{
  if (strcmp(handle->typesupport_identifier, identifier) == 0) {
    return handle;
  }
  if (strcmp(handle->typesupport_identifier, rosidl_typesupport_c__typesupport_identifier) != 0) {
    return NULL;
  }
  void * function = find((const type_support_map_t *)handle->data, identifier);
  return function ? ((const rosidl_message_type_support_t * (*)(void))function)() : NULL;
}

const rosidl_service_type_support_t * cns_service_handle(
  const rosidl_service_type_support_t * handle, const char * identifier)
{
  if (strcmp(handle->typesupport_identifier, identifier) == 0) {
    return handle;
  }
  if (strcmp(handle->typesupport_identifier, rosidl_typesupport_c__typesupport_identifier) != 0) {
    return NULL;
  }
  void * function = find((const type_support_map_t *)handle->data, identifier);
  return function ? ((const rosidl_service_type_support_t * (*)(void))function)() : NULL;
}
