/** The flattened device tree reader: one bounded token walk, everything else on top of it. */
#include "fdt.h"

#include <string.h>

#define FDT_MAGIC 0xD00DFEEDu
#define TOKEN_BEGIN_NODE 1u
#define TOKEN_END_NODE 2u
#define TOKEN_PROPERTY 3u
#define TOKEN_NOP 4u
#define MAX_BLOB (1u << 20)
#define MAX_DEPTH 32

static uint32_t big_endian(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

bool fdt_open(fdt_tree *tree, const void *blob) {
  const uint8_t *bytes = blob;
  memset(tree, 0, sizeof *tree);
  if (bytes == NULL || ((uintptr_t)bytes & 3) != 0 || big_endian(bytes) != FDT_MAGIC) return false;
  uint32_t total = big_endian(bytes + 4);
  uint32_t structure = big_endian(bytes + 8), strings = big_endian(bytes + 12);
  uint32_t version = big_endian(bytes + 20), compatible_version = big_endian(bytes + 24);
  if (total < 40 || total > MAX_BLOB || version < 16 || compatible_version > 17) return false;
  uint32_t strings_length = big_endian(bytes + 32);
  uint32_t structure_length = version >= 17 ? big_endian(bytes + 36) : total - structure;
  if (structure > total || structure_length > total - structure || (structure & 3) != 0) return false;
  if (strings > total || strings_length > total - strings) return false;
  tree->structure = bytes + structure;
  tree->structure_length = structure_length & ~3u;
  tree->strings = (const char *)bytes + strings;
  tree->strings_length = strings_length;
  return true;
}

/** One token of the structure block. */
typedef struct {
  uint32_t kind;
  uint32_t offset;
  uint32_t next;
  const char *name;
  const uint8_t *value;
  uint32_t length;
} token;

static const char *ended_text(const char *text, uint32_t room) { return memchr(text, 0, room) != NULL ? text : NULL; }

static bool read_token(const fdt_tree *tree, uint32_t offset, token *out) {
  uint32_t end = tree->structure_length;
  if (offset > end || end - offset < 4) return false;
  const uint8_t *at = tree->structure + offset;
  *out = (token){.kind = big_endian(at), .offset = offset, .next = offset + 4};
  if (out->kind == TOKEN_BEGIN_NODE) {
    out->name = ended_text((const char *)at + 4, end - out->next);
    if (out->name == NULL) return false;
    out->next += ((uint32_t)strlen(out->name) + 4) & ~3u;
    return true;
  }
  if (out->kind == TOKEN_PROPERTY) {
    if (end - offset < 12) return false;
    uint32_t name = big_endian(at + 8);
    out->length = big_endian(at + 4);
    if (out->length > end - offset - 12 || name >= tree->strings_length) return false;
    out->name = ended_text(tree->strings + name, tree->strings_length - name);
    out->value = at + 12;
    out->next = offset + 12 + ((out->length + 3) & ~3u);
    return out->name != NULL;
  }
  return out->kind == TOKEN_END_NODE || out->kind == TOKEN_NOP;
}

/** The child of `parent` whose name is `name[0..length)`, with or without the unit address. */
static fdt_node find_child(const fdt_tree *tree, fdt_node parent, const char *name, size_t length) {
  token at;
  int depth = 0;
  for (uint32_t offset = (uint32_t)parent; read_token(tree, offset, &at); offset = at.next) {
    if (at.kind == TOKEN_END_NODE && --depth == 0) return FDT_NONE;
    if (at.kind != TOKEN_BEGIN_NODE) continue;
    depth++;
    if (depth != 2 || strncmp(at.name, name, length) != 0) continue;
    if (at.name[length] == 0 || at.name[length] == '@') return (fdt_node)at.offset;
  }
  return FDT_NONE;
}

static fdt_node find_absolute(const fdt_tree *tree, const char *path) {
  fdt_node node = 0;
  token root;
  if (!read_token(tree, 0, &root) || root.kind != TOKEN_BEGIN_NODE) return FDT_NONE;
  while (node != FDT_NONE) {
    while (*path == '/') path++;
    size_t length = strcspn(path, "/:");
    if (length == 0) return node;
    node = find_child(tree, node, path, length);
    path += length;
  }
  return FDT_NONE;
}

fdt_node fdt_find(const fdt_tree *tree, const char *path) {
  if (path == NULL) return FDT_NONE;
  if (path[0] == '/') return find_absolute(tree, path);
  char alias[32];
  size_t length = strcspn(path, ":");
  fdt_node aliases = find_absolute(tree, "/aliases");
  if (length == 0 || length >= sizeof alias || aliases == FDT_NONE) return FDT_NONE;
  memcpy(alias, path, length);
  alias[length] = 0;
  const char *target = fdt_text(tree, aliases, alias);
  return target != NULL && target[0] == '/' ? find_absolute(tree, target) : FDT_NONE;
}

const uint8_t *fdt_property(const fdt_tree *tree, fdt_node node, const char *name, uint32_t *length) {
  token at;
  if (node < 0 || !read_token(tree, (uint32_t)node, &at) || at.kind != TOKEN_BEGIN_NODE) return NULL;
  for (uint32_t offset = at.next; read_token(tree, offset, &at); offset = at.next) {
    if (at.kind == TOKEN_NOP) continue;
    if (at.kind != TOKEN_PROPERTY) return NULL;
    if (strcmp(at.name, name) != 0) continue;
    if (length != NULL) *length = at.length;
    return at.value;
  }
  return NULL;
}

const char *fdt_text(const fdt_tree *tree, fdt_node node, const char *name) {
  uint32_t length;
  const uint8_t *value = fdt_property(tree, node, name, &length);
  return value != NULL ? ended_text((const char *)value, length) : NULL;
}

bool fdt_u32(const fdt_tree *tree, fdt_node node, const char *name, uint32_t *value) {
  uint32_t length;
  const uint8_t *bytes = fdt_property(tree, node, name, &length);
  if (bytes == NULL || length < 4) return false;
  *value = big_endian(bytes);
  return true;
}

bool fdt_is_compatible(const fdt_tree *tree, fdt_node node, const char *compatible) {
  uint32_t length;
  const char *list = (const char *)fdt_property(tree, node, "compatible", &length);
  if (list == NULL) return false;
  while (length > 0 && ended_text(list, length) != NULL) {
    if (strcmp(list, compatible) == 0) return true;
    uint32_t step = (uint32_t)strlen(list) + 1;
    list += step;
    length -= step;
  }
  return false;
}

fdt_node fdt_next_compatible(const fdt_tree *tree, fdt_node previous, const char *compatible) {
  token at;
  uint32_t offset = 0;
  if (previous != FDT_NONE) {
    if (!read_token(tree, (uint32_t)previous, &at)) return FDT_NONE;
    offset = at.next;
  }
  for (; read_token(tree, offset, &at); offset = at.next) {
    if (at.kind == TOKEN_BEGIN_NODE && fdt_is_compatible(tree, (fdt_node)at.offset, compatible)) return (fdt_node)at.offset;
  }
  return FDT_NONE;
}

static fdt_node parent_of(const fdt_tree *tree, fdt_node node) {
  token at;
  fdt_node path[MAX_DEPTH];
  int depth = 0;
  for (uint32_t offset = 0; read_token(tree, offset, &at); offset = at.next) {
    if (at.kind == TOKEN_END_NODE && --depth <= 0) return FDT_NONE;
    if (at.kind != TOKEN_BEGIN_NODE) continue;
    if ((fdt_node)at.offset == node) return depth > 0 ? path[depth - 1] : FDT_NONE;
    if (depth == MAX_DEPTH) return FDT_NONE;
    path[depth++] = (fdt_node)at.offset;
  }
  return FDT_NONE;
}

static bool read_cells(const uint8_t **at, uint32_t cells, uint32_t *value) {
  *value = 0;
  for (uint32_t i = 0; i < cells; i++, *at += 4) {
    if (*value != 0) return false;
    *value = big_endian(*at);
  }
  return true;
}

bool fdt_reg(const fdt_tree *tree, fdt_node node, uint32_t *base, uint32_t *length) {
  uint32_t address_cells = 2, size_cells = 1, bytes;
  fdt_node parent = parent_of(tree, node);
  if (parent == FDT_NONE) return false;
  fdt_u32(tree, parent, "#address-cells", &address_cells);
  fdt_u32(tree, parent, "#size-cells", &size_cells);
  const uint8_t *reg = fdt_property(tree, node, "reg", &bytes);
  if (reg == NULL || address_cells > 2 || size_cells > 2 || bytes < 4 * (address_cells + size_cells)) return false;
  return read_cells(&reg, address_cells, base) && read_cells(&reg, size_cells, length);
}
