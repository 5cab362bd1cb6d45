/** Whether two texts are the same statement, also where a browser has changed the ends of lines or the space around it. */
export const isSameSql = (one: string, other: string): boolean => normalize(one) === normalize(other);

const normalize = (sql: string): string => sql.replaceAll('\r\n', '\n').trim();
