import type { DashboardFilter } from '../../documents/dashboard.documents.js';
import type { QueryOperator } from '../../documents/query.documents.js';
import { InvalidQueryError } from '../../errors/query.errors.js';
import type { Calendar } from '../dates/calendar.js';
import { DATE_PRESETS } from './date-presets.js';

/** What a filter with a value means for its column. Several conditions must all hold. */
export interface FilterCondition {
  readonly operator: QueryOperator;
  readonly value: unknown;
}

/**
 * Turns the value of a dashboard filter into conditions (query contract 2.12). A value that is not set, or only half set, gives none,
 * or only the half that is set.
 *
 * @throws InvalidQueryError if the value does not fit the type of the filter
 */
export function filterConditions(
  { id, type }: Pick<DashboardFilter, 'id' | 'type'>,
  value: unknown,
  calendar: Calendar,
): FilterCondition[] {
  if (isUnset(value)) {
    return [];
  }
  switch (type) {
    case 'select':
      return value === ALL ? [] : [{ operator: 'eq', value }];
    case 'multi_select': {
      const values = [value].flat().filter((member) => !isUnset(member));
      return values.length === 0 || values.includes(ALL) ? [] : [{ operator: 'in_', value: values }];
    }
    case 'text': {
      const text = asText(id, value);
      return text.trim() === '' ? [] : [{ operator: 'ilike', value: `%${text}%` }];
    }
    case 'number_range': {
      const { min, max } = asObject(id, value);
      return range(min, max);
    }
    case 'date_range':
      return dateConditions(id, value, calendar);
  }
}

/** What Prismiq's client sends for "All". */
const ALL = '__all__';

const isUnset = (value: unknown): boolean => value === undefined || value === null || value === '';

const range = (from: unknown, to: unknown): FilterCondition[] => [
  ...(isUnset(from) ? [] : [{ operator: 'gte' as const, value: from }]),
  ...(isUnset(to) ? [] : [{ operator: 'lte' as const, value: to }]),
];

/** The name of a preset, `{ preset }`, or `{ start, end }`. */
function dateConditions(id: string, value: unknown, calendar: Calendar): FilterCondition[] {
  const { preset, start, end } = typeof value === 'string' ? { preset: value } : asObject(id, value);
  if (isUnset(preset)) {
    return range(start, end);
  }
  const name = asText(id, preset);
  if (!Object.hasOwn(DATE_PRESETS, name)) {
    throw invalid(id, `unknown date preset ${JSON.stringify(name)}`);
  }
  const days = DATE_PRESETS[name]!(calendar.today);
  return range(days.start, days.end);
}

function asObject(id: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(id, 'the value must be an object');
  }
  return value as Record<string, unknown>;
}

function asText(id: string, value: unknown): string {
  if (typeof value === 'object') {
    throw invalid(id, 'the value must be a text');
  }
  return String(value);
}

const invalid = (id: string, problem: string): InvalidQueryError =>
  new InvalidQueryError([{ code: 'INVALID_FILTER', message: `Dashboard filter '${id}': ${problem}` }]);
